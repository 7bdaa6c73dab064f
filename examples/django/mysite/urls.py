from django.urls import include, path
from nextauth_server import AuthBridge

from . import views

urlpatterns = [
    path("api/auth/", include(AuthBridge.django().urls)),
    path("api/account", views.account),
    path("", views.page),
    path("<path:name>", views.page),
]
