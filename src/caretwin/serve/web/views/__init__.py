"""What the browser is told, as types: the TypeScript client is generated from them."""
