"""Daily archives of sealed slots: one Parquet file per destination and UTC day, in a directory or a bucket."""
