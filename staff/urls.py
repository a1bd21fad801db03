"""Addresses of this room."""

from django.urls import URLPattern, path

from staff.views import account, duty, signing_in

urlpatterns: list[URLPattern] = [
    path("accounts/", account.account, name="account"),
    path("accounts/login/", signing_in.sign_in, name="login"),
    path("accounts/logout/", signing_in.sign_out, name="logout"),
    path("accounts/language/", signing_in.set_language, name="set_language"),
    path("accounts/theme/", signing_in.set_theme, name="set_theme"),
    path("accounts/password/", account.password, name="password"),
    path("accounts/sessions/end-others/", account.end_other_sessions, name="end_other_sessions"),
    path("accounts/sessions/<slug:handle>/end/", account.end_session, name="end_session"),
    path("duty/", duty.duty_view, name="duty"),
    path("duty/calls/", duty.duty_calls, name="duty_calls"),
    path("duty/calls/<int:pk>/acknowledge/", duty.duty_acknowledge, name="duty_acknowledge"),
    path("duty/shift/", duty.duty_shift, name="duty_shift"),
    path("duty/copy/", duty.duty_copy, name="duty_copy"),
    path("duty/import/", duty.duty_import_view, name="duty_import"),
    path("duty/export/", duty.duty_export, name="duty_export"),
]
