"""Campaigns and their rounds. Owns campaign_*; reads paper and roster; refuses windows and policies that contradict."""
