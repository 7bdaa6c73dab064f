from nextauth_client import Provider, bind
from pyscript import document

Provider()
bind()  # serves the data-auth-… attributes of index.html
document.querySelector("#sign-in").disabled = False
