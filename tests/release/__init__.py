"""What is published: the sdist, the wheel, and what makes, checks and publishes them."""
