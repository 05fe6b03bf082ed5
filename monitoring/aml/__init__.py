"""Anti-money-laundering work: the restricted class. Nothing of it is read by what answers, explains or decides."""
