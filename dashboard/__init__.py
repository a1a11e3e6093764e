"""The Dash app over run folders; still empty: it comes after the explanations that it shows."""
