"""Addresses of this room."""

from django.urls import URLPattern, path

from customers.views import acts, browse, card

urlpatterns: list[URLPattern] = [
    path("customers/", browse.customers, name="customers"),
    path("customers/new/", acts.customer_new, name="customer_new"),
    path("customers/<slug:number>/", card.customer, name="customer"),
    path("customers/<slug:number>/reveal/", acts.customer_reveal, name="customer_reveal"),
    path("customers/<slug:number>/tier/", acts.customer_tier, name="customer_tier"),
    path("customers/<slug:number>/manager/", acts.customer_rm, name="customer_rm"),
    path("customers/<slug:number>/contacts/", acts.customer_contacts, name="customer_contacts"),
]
