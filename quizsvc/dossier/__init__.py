"""The class file: everything a class did in a term, in one workbook. Owns no table; reads report, rollup and below."""
