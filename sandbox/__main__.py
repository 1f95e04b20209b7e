"""`python -m sandbox`: the command line of the sandbox. Invariant: it adds nothing to `main`."""

import sys

from sandbox.server import main

if __name__ == "__main__":
    sys.exit(main())
