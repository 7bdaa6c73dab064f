// ?count=1000 elements that each follow the session, for bench/pages.py.
import React from "react";
import { render } from "react-dom";
import { Provider, useSession } from "next-auth/client";

function Name() {
  const [session] = useSession();
  return <p>{session ? session.user.name : "nobody"}</p>;
}

const count = Number(new URLSearchParams(location.search).get("count"));
const names = Array.from({ length: count }, (_, number) => <Name key={number} />);
render(<Provider>{names}</Provider>, document.querySelector("main"));
