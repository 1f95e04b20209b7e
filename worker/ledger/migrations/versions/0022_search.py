"""The words by which a subject is found, and their index."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# What was known before gets its words as the code writes them, but for the finer points of folding; the next event
# about a subject mends those.
STATEMENTS = r"""
ALTER TABLE subjects ADD COLUMN words TSVECTOR;
UPDATE subjects SET words = array_to_tsvector(ARRAY(
    SELECT DISTINCT left(word, 100) FROM (
        SELECT lower(key) AS word
        UNION ALL SELECT lower(substr(key, strpos(key, ':') + 1))
        UNION ALL SELECT lower(regexp_replace(snapshot ->> field, '\s', '', 'g')) FROM unnest(ARRAY[
            'id', 'order_id', 'external_id', 'order_number', 'pg_reference_id', 'external_reference',
            'customer_reference', 'shipment_receipt', 'payment_code', 'customer_id', 'profile_id', 'interaction_id',
            'call_id', 'email', 'number', 'bill_of_lading', 'booking_number', 'reference', 'store_unique_id'
        ]) AS field
        UNION ALL SELECT regexp_replace(snapshot ->> field, '\D', '', 'g') FROM unnest(ARRAY['phone', 'phone_raw'])
            AS field
        UNION ALL SELECT unnest(string_to_array(regexp_replace(lower(snapshot ->> field), '\W+', ' ', 'g'), ' '))
            FROM unnest(ARRAY['customer_name', 'name', 'first_name', 'last_name', 'company', 'title', 'vessel'])
            AS field
    ) AS words WHERE word <> ''
));
CREATE INDEX ix_subjects_words ON subjects USING gin (words) WITH (fastupdate = off)
"""


def upgrade() -> None:
    """Add the column, fill it, and add the index."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
