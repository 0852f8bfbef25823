"""What a sitting costs, beside the least Flask program that marks a quiz."""
