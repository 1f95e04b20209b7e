"""The one error of this package, so that a caller can print it and leave."""

from config.faults import OperatorError


class StackError(OperatorError):
    """The stack cannot start or go on; the text is the operator's message."""
