"""WazirX: an Indian spot market, the source of prices in INR."""
