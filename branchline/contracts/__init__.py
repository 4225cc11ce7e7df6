"""The contracts' generated side: schemas, the AsyncAPI document, the catalogue, and what was published before."""
