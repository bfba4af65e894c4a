"""The door of tables: CSV, Parquet and Excel by a mapping that is proposed and explained."""
