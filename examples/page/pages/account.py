from nextauth_client import NextAuthError, auth_fetch, explain_error, on_session_change
from pyscript import document, when


@when("click", "#ask")
async def ask(event):
    try:
        response = await auth_fetch("/api/account")
        if response.ok:
            account = await response.json()
            tell(f"You are {account['username']}, and have been a member since {account['member_since']}.")
        else:
            tell("Sign in first." if response.status == 401 else f"The app answered {response.status}.")
    except NextAuthError as error:
        tell(explain_error(error.code))


@on_session_change
def forget(state, previous):
    """What the app told one person is not for the next."""
    tell("")


def tell(text):
    document.querySelector("#answer").textContent = text


document.querySelector("#ask").disabled = False  # from now on it does something
