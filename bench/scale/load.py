"""Fill a ledger with as much as a busy shop has after months: events, deliveries, attempts, orders, messages.

Invariant: the same number gives the same rows but for their times, which end now; ids are UUIDv7 of those times, as
the real ones are, and states, accounts and types are spread as unevenly as they are in life.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, text

BATCH = 50_000
SPAN = timedelta(days=60)
TABLES = ("events", "deliveries", "attempts", "subjects", "messages")

# Everything follows from a row's number: no draw, so that rows of different tables fit together.
_NUMBERED = """
CREATE TEMPORARY TABLE numbered ON COMMIT DROP AS
SELECT *,
    CAST(stamp || '7' || substr(hash, 2, 3) || '8' || substr(hash, 5, 15) AS uuid) AS event_id,
    CAST(stamp || '7' || substr(hash, 3, 3) || '9' || substr(hash, 6, 15) AS uuid) AS delivery_id,
    CASE WHEN account = 'toko' THEN 'order:' || number WHEN account = 'wa' THEN 'phone:+' || phone
        ELSE 'customer:HL-' || number END AS subject
FROM (
    SELECT *, md5('row' || n) AS hash,
        lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') AS stamp,
        lpad((n / 3)::text, 9, '0') AS number,
        '62812' || lpad((n / 9 % 9000000)::text, 7, '0') AS phone,
        (ARRAY['Budi Santoso', 'Siti Aminah', 'Dewi Lestari', 'Agus Wijaya', 'Putri Ayu'])[n / 9 % 5 + 1] AS name,
        CASE WHEN lot < 600 THEN 'toko' WHEN lot < 850 THEN 'wa' ELSE 'crm' END AS account,
        CASE WHEN lot < 200 THEN 'scalev.order.created' WHEN lot < 400 THEN 'scalev.order.status_changed'
            WHEN lot < 599 THEN 'scalev.order.payment_status_changed' WHEN lot < 600 THEN 'scalev.order.deleted'
            WHEN lot < 850 THEN 'wabotick.message_received'
            WHEN lot < 999 THEN 'proton.customer.updated' ELSE 'proton.something.new' END AS type,
        CASE WHEN lot < 930 THEN 'succeeded' WHEN lot < 945 THEN 'dead' WHEN lot < 970 THEN 'suppressed'
            WHEN lot < 975 THEN 'cancelled' WHEN lot < 977 THEN 'unknown' WHEN lot < 997 THEN 'waiting'
            ELSE 'retrying' END AS state,
        CASE WHEN lot < 930 THEN NULL WHEN lot < 940 THEN 'exhausted' WHEN lot < 944 THEN 'invalid_request'
            WHEN lot < 945 THEN 'bug' WHEN lot < 970 THEN 'duplicate_effect' WHEN lot < 975 THEN 'by_operator'
            WHEN lot < 977 THEN 'timeout' WHEN lot < 997 THEN NULL ELSE 'server_error' END AS reason
    FROM (
        SELECT n, n % 1000 AS lot,
            CAST(:begin AS timestamptz) + (CAST(:end AS timestamptz) - :begin) * (n::float8 / :total) AS at
        FROM generate_series(:first + 1, :last) AS n
    ) AS times
) AS rows
"""
_EVENTS = """
INSERT INTO events (id, account, dedupe_key, type, handling, state, subject, subject_account, secret_index, body,
    content_type, headers, source_ip, received_at, occurred_at, processed_at, reason, last_error)
SELECT event_id, account, 'scale-' || n, type,
    CASE WHEN lot = 999 THEN 'unknown' WHEN lot % 50 = 7 THEN 'ignored' ELSE 'handled' END,
    CASE WHEN n % 5000 = 1 THEN 'failed' WHEN n % 20000 = 2 THEN 'waiting' ELSE 'processed' END,
    subject, account, 0,
    convert_to(jsonb_build_object(
        'event', substr(type, strpos(type, '.') + 1), 'unique_id', 'event_' || hash, 'timestamp', at,
        'data', jsonb_build_object(
            'order_id', number, 'id', 'ord' || number, 'status', 'pending', 'payment_status', 'unpaid',
            'customer', jsonb_build_object('name', name, 'phone', phone, 'email', 'buyer' || n || '@example.com'),
            'notes', repeat('tolong dibungkus rapi ', (n % 12)::int), 'gross_revenue', '188000.00',
            'orderlines', '[{"product_name": "Coklat Batang 100 gram", "quantity": 2, "price": "48000"},
                {"product_name": "Kopi Gayo 250 gram", "quantity": 1, "price": "92000"}]'::jsonb
        )
    )::text, 'UTF8'),
    'application/json', '{"user-agent": "Vendor/1.0", "content-type": "application/json"}', '203.0.113.7',
    at, at - interval '1 second', CASE WHEN n % 20000 = 2 THEN NULL ELSE at + interval '0.2 seconds' END,
    CASE WHEN n % 5000 = 1 THEN 'unreadable_event' END, CASE WHEN n % 5000 = 1 THEN 'data.order_id is missing' END
FROM numbered
"""
_DELIVERIES = """
INSERT INTO deliveries (id, event_id, rule, step, action, account, state, reason, effect_key, subject, subject_account,
    event_at, due_at, wake_at, attempts, last_error, result, created_at, updated_at)
SELECT delivery_id, event_id, 'rule-' || n % 4 || '-' || lot / 200, 'step',
    CASE WHEN n % 4 = 0 THEN 'scalev.add_tag' WHEN n % 4 = 1 THEN 'proton.update_customer'
        WHEN lot = 998 THEN 'wabotick.send_media' ELSE 'wabotick.send_template' END,
    CASE WHEN n % 4 = 0 THEN 'toko' WHEN n % 4 = 1 THEN 'crm' ELSE 'wa' END,
    state, reason, number || '/' || n, subject, account, at, at + interval '5 days',
    CASE WHEN state IN ('waiting', 'retrying') THEN at + interval '90 days' END, 3,
    CASE WHEN state = 'dead' THEN 'the vendor said: phone number is not valid' END,
    CASE WHEN state = 'succeeded' THEN jsonb_build_object('message_id', 'wamid.' || hash) END,
    at, at + interval '1 minute'
FROM numbered
"""
_ATTEMPTS = """
INSERT INTO attempts (id, delivery_id, number, started_at, finished_at, worker, state, reason, error, exchanges)
SELECT CAST(stamp || '7' || substr(hash, 4, 3) || 'a' || substr(hash, 7, 14) || try AS uuid),
    delivery_id, try, at + try * interval '10 seconds', at + try * interval '11 seconds', 'worker-1',
    CASE WHEN try < 3 THEN 'retrying' ELSE state END, CASE WHEN try < 3 THEN 'server_error' ELSE reason END,
    CASE WHEN try < 3 THEN 'the vendor answered 503' END,
    jsonb_build_array(jsonb_build_object(
        'request', jsonb_build_object('method', 'POST', 'url', 'https://vendor.example/messages',
            'body', jsonb_build_object('phone_number', '…' || right(phone, 3), 'template_id', '257000')),
        'answer', jsonb_build_object('status', CASE WHEN try < 3 THEN 503 ELSE 200 END)))
FROM numbered, generate_series(1, 3) AS try
"""
_SUBJECTS = """
INSERT INTO subjects (account, key, snapshot, known_at, complete, created_at, updated_at, words)
SELECT 'toko', 'order:' || number, jsonb_build_object('id', 'ord' || number, 'order_id', number,
        'customer_name', name || ' ' || n, 'phone', '+' || phone, 'status', 'pending', 'payment_status', 'unpaid'),
    '{}', true, at, at,
    array_to_tsvector(ARRAY['order:' || number, number, 'ord' || number, phone, n::text]
        || string_to_array(lower(name), ' '))
FROM numbered WHERE n % 3 = 0
"""
_MESSAGES = """
INSERT INTO messages (account, message_id, delivery_id, person, state, accepted_at, sent_at, changed_at)
SELECT 'wa', 'wamid.' || hash, delivery_id, md5(phone),
    CASE WHEN n % 3 = 0 THEN 'delivered' WHEN n % 3 = 1 THEN 'read' ELSE 'failed' END, at, at, at
FROM numbered WHERE n % 4 > 1 AND state = 'succeeded'
"""


def load(engine: Engine, count: int, now: datetime, progress: Callable[[int], None] = lambda _: None) -> None:
    """Add `count` events with a delivery and three attempts each, and what belongs to them."""
    for first in range(0, count, BATCH):
        last = min(first + BATCH, count)
        values = {"first": first, "last": last, "total": count, "begin": now - SPAN, "end": now}
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL synchronous_commit = off"))
            connection.execute(text(_NUMBERED), values)
            for statement in (_EVENTS, _DELIVERIES, _ATTEMPTS, _SUBJECTS, _MESSAGES):
                connection.execute(text(statement))
        progress(last)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE " + ", ".join(TABLES)))
