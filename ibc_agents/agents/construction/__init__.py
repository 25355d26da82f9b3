"""Variables of networks, and checks that the parts of an agent fit together."""
