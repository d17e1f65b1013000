"""Rules for single JSON values: strings, numbers in a range, white space, spelling."""
