"""Which labels look wrong, by what a first model says of persons that it has not seen."""
