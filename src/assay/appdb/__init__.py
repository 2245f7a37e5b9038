"""What the site keeps about its users beside Django's own accounts: keys of the API, and the secret of the home."""
