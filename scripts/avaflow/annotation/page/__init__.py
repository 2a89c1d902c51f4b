"""The page on which annotators say when somebody does what, and the file that it saves."""
