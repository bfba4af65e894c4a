"""From a chest CT to what a lung model can use: outline, measure, grade."""
