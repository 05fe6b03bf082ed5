"""From events and labels to a registered, reviewed and deployed model bundle."""
