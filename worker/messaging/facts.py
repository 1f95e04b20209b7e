"""The facts that follow from what a person says of messages: types that rules may listen to.

Invariant: apart from the ledger, so that whoever only checks rules loads no database.
"""

OPTED_OUT = "whatsapp.opted_out"
OPTED_IN = "whatsapp.opted_in"
FACTS = (OPTED_OUT, OPTED_IN)
