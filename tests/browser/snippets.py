"""Python and HTML that many pages under test begin with."""

HTML = """
<p id="status"></p> <p id="who"></p> <p id="error"></p>
<p id="result"></p> <p id="url"></p>
<button id="go">Go</button> <button id="ask">Ask</button>
"""

# show("id", value), on_click("id") for async functions, and every public name.
SHOW = """
from nextauth_client import *
from pyscript import document, when

def show(name, value):
    document.getElementById(name).textContent = str(value)

def on_click(name):
    return when("click", "#" + name)
"""

# What the page knows is shown in #status, #who and #error, whatever happens.
FOLLOW = """
@effect
def follow():
    state = use_session()
    show("status", state.status)
    show("who", state.session.user.name if state.session else "nobody")
    show("error", state.error.code if state.error else "none")
"""

# A page of which no backend is asked: becomes(data) is what a backend would say.
GIVEN = """
import js
from nextauth_client import SessionState

def session(name, **more):
    user = dict({"name": name, "email": "a@example.org"}, **more)
    return {"user": user, "expires": "2999-01-01T00:00:00.000Z"}

provider = Provider(session=session("Ada"))

store = provider.driver.store  # a public way would have to be awaited, and many tests look at what happens at once

def becomes(data):
    store.replace(SessionState(data))

def raises(function, *args):
    try:
        function(*args)
    except Exception as error:
        return type(error).__name__ + ": " + str(error)
    return "nothing"
"""

HOSTILE = "<img src=x onerror='document.title=1'><script>document.title=2</script>\u202e&amp; 👩🏽‍🚀"

# JavaScript that loads the interpreter and the client's archive, and runs /bare-page.py, without PyScript.
BARE_SCRIPTS = {
    "micropython": """
        import { loadMicroPython } from "%(interpreter)s";
        const python = await loadMicroPython();
        python.FS.mkdirTree("/lib/nextauth_client");
        python.FS.writeFile("/client", new Uint8Array(await (await fetch("%(archive)s")).arrayBuffer()));
        python.runPython(`if True:
            import gzip, tarfile
            for member in (archive := tarfile.TarFile(fileobj=gzip.GzipFile(fileobj=open("/client", "rb")))):
                with open("/lib/" + member.name, "wb") as file:
                    file.write(archive.extractfile(member).read())
        `);
        await python.runPythonAsync(await (await fetch("/bare-page.py")).text());
    """,
    "pyodide": """
        import { loadPyodide } from "%(interpreter)s";
        const python = await loadPyodide();
        python.unpackArchive(await (await fetch("%(archive)s")).arrayBuffer(), "gztar");
        await python.runPythonAsync(await (await fetch("/bare-page.py")).text());
    """,
}
