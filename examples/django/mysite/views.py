from pathlib import Path

from django.conf import settings
from django.http import Http404, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.static import serve


@never_cache
def account(request):
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({}, status=401)
    return JsonResponse({"username": user.username, "member_since": user.date_joined.date().isoformat()})


def page(request, name="index.html"):
    """For development. A web server, or WhiteNoise, is faster."""
    if any(part.startswith(".") and part != ".well-known" for part in Path(name).parts):
        raise Http404
    response = serve(request, name, document_root=settings.BASE_DIR / "pages")
    response["Cache-Control"] = "no-cache"
    return response
