"""The rota door: shifts, staff, skills and absence from CSV and iCalendar."""
