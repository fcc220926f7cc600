"""What the families of this layer share."""
