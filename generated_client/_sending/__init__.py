"""How requests travel: connections, the token, time limits, and what is made of a response."""
