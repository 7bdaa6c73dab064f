import { createRoot } from "react-dom/client";
import { getSession, SessionProvider, signIn, signOut, useSession } from "next-auth/react";
import { page } from "./page.jsx";

function useWho() {
  const { data, status } = useSession();
  return { session: data, loading: status === "loading" };
}
createRoot(document.querySelector("main")).render(page(SessionProvider, useWho, { getSession, signIn, signOut }));
