"""Clusters of several processes that joblib's dask and Ray backends run on."""
