"""The saved model as an object that predicts raw contents."""
