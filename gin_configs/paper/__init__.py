"""Published settings; DOMAIN_METHOD.gin takes the place of a method."""
