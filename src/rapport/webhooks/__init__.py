"""How a webhook's messages are made, signed and sent."""
