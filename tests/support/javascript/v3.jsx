import { render } from "react-dom";
import { getSession, Provider, signIn, signOut, useSession } from "next-auth/client";
import { page } from "./page.jsx";

function useWho() {
  const [session, loading] = useSession();
  return { session, loading };
}
render(page(Provider, useWho, { getSession, signIn, signOut }), document.querySelector("main"));
