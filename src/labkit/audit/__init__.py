"""What models were used for, by whom, at which cost: the calls read and counted, and a proof that the books balance."""
