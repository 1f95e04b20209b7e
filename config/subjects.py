"""The kinds of subjects that events are about, and what rules may ask of each.

Invariant: a kind that stands in `FIELDS` is a name of the expression language, and no other kind is.
"""

ORDER_FIELDS = (
    "id", "order_id", "external_id", "status", "is_probably_spam", "is_deleted", "is_from_payment_link",
    "payment_status", "payment_method", "epayment_provider", "payment_bank", "payment_account_holder",
    "payment_account_number", "payment_url", "payment_code", "payment_qr", "pg_reference_id", "transferproof_url",
    "customer_id", "customer_name", "phone", "phone_raw", "email", "address", "subdistrict", "city", "province",
    "postal_code", "address_notes", "business", "store", "store_unique_id", "warehouse", "handler", "handler_id",
    "handler_email", "advertiser", "source_url", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term",
    "products", "orderlines", "final_variants", "total_quantity", "total_weight", "gross_revenue", "net_revenue",
    "net_payment_revenue", "product_price", "product_discount", "unique_code_discount", "discount_code_discount",
    "other_income", "other_income_name", "shipping_cost", "shipping_discount", "payment_fee", "cogs", "scalev_fee",
    "courier", "courier_code", "courier_service", "shipment_receipt", "shipment_status", "awb_status", "notes", "tags",
    "created_at", "last_updated_at", "draft_at", "pending_at", "confirmed_at", "in_process_at", "ready_at",
    "shipped_at", "completed_at", "returned_at", "canceled_at", "closed_at", "unpaid_at", "paid_at", "settled_at",
    "conflict_at", "transferred_at",
)  # fmt: skip
CUSTOMER_FIELDS = (
    "id", "customer_id", "name", "email", "phone", "phone_raw", "company", "city", "state", "country", "status",
    "tags", "created_at", "source", "custom_fields",
)  # fmt: skip
INTENT_FIELDS = (
    "id", "status", "last_sequence", "contactable", "is_follow_up_email_sent", "name", "email", "phone", "phone_raw",
    "store", "store_unique_id", "handler", "handler_id", "products", "items", "item_quantity", "estimated_total",
    "currency", "source_url", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "order_id",
    "recovery_url", "recovery_url_expires_at", "started_at", "last_activity_at", "follow_up_eligible_at",
    "completed_at", "occurred_at",
)  # fmt: skip
CONTAINER_FIELDS = (
    "number", "status", "passed", "carrier", "size_type", "bill_of_lading", "booking_number", "reference", "journey",
    "journey_began_at", "origin", "origin_unlocode", "destination", "destination_unlocode", "inland_origin",
    "inland_destination", "inland_destination_unlocode", "etd", "eta", "eta_local", "previous_eta", "eta_shift_hours",
    "loaded_at", "departed_at", "arrived_at", "discharged_at", "available_at", "delivered_at", "empty_returned_at",
    "vessel", "vessel_imo", "voyage", "location", "last_milestone", "last_milestone_at", "milestones", "updated_at",
)  # fmt: skip
PERSON_FIELDS = (
    "id", "profile_id", "name", "first_name", "last_name", "email", "phone", "phone_raw", "status", "lifecycle_stage",
    "source", "job_title", "company_id", "owner_id", "deleted", "created_at", "updated_at",
)  # fmt: skip
COMPANY_FIELDS = (
    "id", "profile_id", "name", "email", "phone", "phone_raw", "status", "lifecycle_stage", "source", "domain",
    "industry", "owner_id", "deleted", "created_at", "updated_at",
)  # fmt: skip
DEAL_FIELDS = (
    "id", "title", "status", "pipeline_stage", "value_amount", "value_currency", "probability", "expected_close_at",
    "owner_id", "source", "person_ids", "company_ids", "deleted", "created_at", "updated_at",
)  # fmt: skip
SALES_ORDER_FIELDS = (
    "id", "order_number", "status", "status_id", "fulfillment_status", "payment_status", "currency", "total_net",
    "total_gross", "customer_id", "customer_name", "external_reference", "customer_reference", "channel_id",
    "placed_at", "expected_delivery_at", "deleted", "created_at", "updated_at",
)  # fmt: skip
CALL_NOTE_FIELDS = (
    "id", "interaction_id", "call_id", "user_id", "customer_id", "customer_name", "contact_id", "call_type", "notes",
    "date", "associations", "custom_fields",
)  # fmt: skip
# Apart from a shop's orders and customers: an ERP has its own, under its own ids.
FIELDS = {
    "order": ORDER_FIELDS, "customer": CUSTOMER_FIELDS, "intent": INTENT_FIELDS, "container": CONTAINER_FIELDS,
    "person": PERSON_FIELDS, "company": COMPANY_FIELDS, "deal": DEAL_FIELDS, "sales_order": SALES_ORDER_FIELDS,
    "call_note": CALL_NOTE_FIELDS,
}  # fmt: skip
"""What rules may ask of each kind of subject."""
