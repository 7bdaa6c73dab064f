"""Under a strict content security policy, which every page here has whose interpreter does without PyScript's core."""

from __future__ import annotations

import pytest

from tests.backends.conftest import of_versions
from tests.support.workbench import POLICY, Workbench

# Each is refused; what gets through would be named. In a task of its own: what a debugger calls may use eval.
FORBIDDEN = """() => new Promise(resolve => setTimeout(() => {
    const through = [];
    for (const [name, run] of Object.entries({ eval: () => eval("1"), Function: () => new Function("return 1")() })) {
        try {
            run();
            through.push(name);
        } catch (error) {
            if (!(error instanceof EvalError)) through.push(String(error));
        }
    }
    const script = document.createElement("script");
    script.textContent = "window.inline = true";
    document.body.append(script);
    if (window.inline) through.push("inline");
    resolve(through);
}))"""


@of_versions(4)
@pytest.mark.parametrize("interpreter", ["micropython", "bare-pyodide"], indirect=True)
def test_signing_in_and_out_breaks_no_strict_policy(workbench: Workbench) -> None:
    assert "script-src 'self' 'wasm-unsafe-eval';" in POLICY
    workbench.sign_in()
    workbench.start("sign_out", callback_url="?bye")
    workbench.is_at(workbench.url + "?bye")
    workbench.shows(status="unauthenticated")
    workbench.start("sign_in", "credentials", username="alan", password="turing")
    workbench.shows(status="authenticated", name="Alan Turing")
    workbench.call("sign_out", redirect=False)
    workbench.shows(status="unauthenticated")
    assert workbench.page.evaluate("violations") == []
    workbench.assert_no_problem()

    # The policy was in force.
    workbench.expect_problem("Content Security Policy", "unsafe-eval")
    assert workbench.page.evaluate(FORBIDDEN) == []
    assert {violation.split()[0] for violation in workbench.page.evaluate("violations")} == {
        "script-src",
        "script-src-elem",
    }
