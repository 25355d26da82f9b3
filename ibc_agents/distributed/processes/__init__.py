"""Starting, watching, restarting and stopping the processes of a job."""
