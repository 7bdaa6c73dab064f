"""PuePy: the session lives in app.state, and a page that is for members raises Unauthorized."""

from nextauth_client import Provider, effect, sign_in, sign_out, use_session
from puepy import Application, Page, exceptions, t
from puepy.router import Router

app = Application()
app.install_router(Router, link_mode=Router.LINK_MODE_HASH)
Provider()


@effect
def mirror():
    state = use_session()
    user = state.session.user if state.session else None
    with app.state.mutate("status", "name"):
        app.state["status"] = state.status
        app.state["name"] = str(user.name or user.email or "somebody") if user else None
    if app.active_page:
        app.remount()  # the guards look again


class Guarded(Page):
    redraw_on_app_state_changes = False  # mirror mounts it again

    def precheck(self):
        if self.application.state["status"] == "unauthenticated":
            raise exceptions.Unauthorized()


@app.page("/members")
class Members(Guarded):
    def populate(self):
        state = self.application.state
        if state["status"] == "authenticated":
            with t.p("For members: ", id="members"):
                t.bdi(state["name"])
        else:
            t.p("Loading", id="members")
        t.a("Home", href="#/")


@app.page()
class Home(Page):
    redraw_on_app_state_changes = False

    def populate(self):
        state = self.application.state
        if state["status"] == "authenticated":
            with t.p("Signed in as ", id="who"):
                t.bdi(state["name"])  # a name may be written from right to left, or turn the direction
            t.button("Sign out", on_click=lambda event: sign_out(redirect=False))
        else:
            t.p("Loading" if state["status"] == "loading" else "Not signed in", id="who")
        t.a("Members", href="#/members")


class PleaseSignIn(Page):
    props = ["error"]  # noqa: RUF012 - as PuePy has it

    def populate(self):
        t.p("This page is for members.", id="unauthorized")
        t.button("Sign in", on_click=lambda event: sign_in())


app.unauthorized_page = PleaseSignIn
app.mount("#app")
