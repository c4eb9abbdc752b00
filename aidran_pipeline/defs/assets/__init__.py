"""The assets, a file a stage. A body reads its partition, calls the stage and returns metadata."""
