"""`python -m tests.backends.python '{"framework": "django"}'`"""

import importlib
import json
import sys

# By its name, so that Django finds there what its settings name.
importlib.import_module(f"tests.backends.python.bridge_{json.loads(sys.argv[1])['framework']}").run()
