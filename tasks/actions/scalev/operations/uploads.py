"""The CSV uploads of Scalev: taken for later, so their answer says nothing of the lines.

Invariant: none of these is repeated blindly unless its lines only set what they say.
"""

from tasks.actions.operations import Operation
from tasks.actions.scalev.files import CsvFile

WITH_FILE = (
    Operation(
        "scalev.upload_orders", CsvFile, "POST", "/orders/upload", "Make orders out of a CSV.", idempotent=False,
        encoding="multipart",
    ),
    Operation(
        "scalev.upload_receipts", CsvFile, "POST", "/orders/upload-receipt", "Set tracking numbers out of a CSV.",
        idempotent=True, encoding="multipart",
    ),
    Operation(
        "scalev.upload_change_status", CsvFile, "POST", "/orders/upload-change-status",
        "Set the status of orders out of a CSV.", idempotent=True, encoding="multipart",
    ),
    Operation(
        "scalev.upload_customers", CsvFile, "POST", "/customers/upload", "Add customers out of a CSV.",
        idempotent=False, encoding="multipart",
    ),
)  # fmt: skip
