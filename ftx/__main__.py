"""python -m ftx: the command line.

In: a command.  Out: an exit status.
Knows nothing of: what the commands do.
"""

import sys

from .doctor import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
