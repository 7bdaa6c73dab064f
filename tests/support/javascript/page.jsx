// One page for every client: #who as the Python pages show it, and the client's own functions for a test to call.
import React from "react";

export function page(Provider, useWho, client) {
  function Who() {
    const { loading, session } = useWho();
    const words = loading ? "Loading" : session ? `Signed in as ${session.user.name}` : "Not signed in";
    return <p id="who">{words}</p>;
  }
  window.client = client;
  return (
    <Provider>
      <Who />
    </Provider>
  );
}
