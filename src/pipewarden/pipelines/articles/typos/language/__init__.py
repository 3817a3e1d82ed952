"""What is known of English: its words, their neighbours in spelling, and how slips come about."""
