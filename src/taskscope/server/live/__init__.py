"""The live stream: whoever follows a topic gets a picture first, and then what changes."""
