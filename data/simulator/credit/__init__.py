"""The lender: borrowers under changing strain, applications, decisions, loans and how they are repaid."""
