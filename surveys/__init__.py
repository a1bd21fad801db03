"""What customers say: questionnaires, invitations, answers, scores."""
