"""The whole sandbox without HTTP: its vendors, faults and recordings, all made from one seed.

Invariant: after `reset` nothing is left of what happened before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.emitting import Emitter
from sandbox.exchange import Clock, utc_now
from sandbox.faults import FaultList
from sandbox.phones import Phones
from sandbox.recorder import Recorder
from sandbox.targets import Targets
from sandbox.vendors.base import Setup, Vendor
from sandbox.vendors.registry import VENDORS


@dataclass(frozen=True)
class Options:
    """How a sandbox is started.

    Attributes:
        credentials: vendor name to the only credential it accepts; a vendor not named accepts any.
        targets: where each vendor's webhooks go.
        allow_remote: whether they may go to another machine.
    """

    seed: int = 1
    credentials: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = utc_now
    targets: Mapping[str, Targets] = field(default_factory=dict)
    allow_remote: bool = False


class World:
    """Vendors by name, the faults in force, what was received and sent, and the customers' phones."""

    vendors: dict[str, Vendor]
    faults: FaultList
    recorder: Recorder
    phones: Phones

    def __init__(self, options: Options) -> None:
        self.options = options
        self.emitter = Emitter(options.seed, options.clock, options.targets)
        self.reset()

    def reset(self) -> None:
        """Put state, settings, targets, faults and recordings back to the seed."""
        seed, clock = self.options.seed, self.options.clock
        self.emitter.reset()
        self.phones = Phones(clock)
        self.vendors = {
            vendor.name: vendor(
                Setup(seed, clock, self.emitter, self.phones, self.options.credentials.get(vendor.name))
            )
            for vendor in VENDORS
        }
        self.faults = FaultList(seed)
        self.recorder = Recorder(clock)
