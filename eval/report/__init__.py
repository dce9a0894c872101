"""From what the models wrote to a report: scores, differences, alarms, and pages to read."""
