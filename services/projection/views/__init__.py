"""The read models of headquarters: each module has what fills its tables, and the queries over them."""
